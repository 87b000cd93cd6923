"""What the pages share: the guard at their door, jobs that are watched, words and tables. Imports Streamlit; knows no
rule, SQL or HTTP, and calls the workflow alone."""
