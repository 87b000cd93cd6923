"""The use cases: gather → decide → record. The only room that joins source, engine, target, store and report; pages,
command line and worker call nothing else. Roles are checked here, whoever calls.

There is nothing to import from the room as a whole: whoever needs a use case imports its module, and so loads only what that
one needs. A page that shows what is stored waits for no planning.
"""
