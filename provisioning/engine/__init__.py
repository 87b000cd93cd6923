"""Pure decisions: values in, values out. Knows no network, file, clock, environment or Streamlit."""
