"""What people look at: workbook, documents, texts. Shows what was decided, and decides nothing."""
