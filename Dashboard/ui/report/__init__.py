"""The report: cases to be printed, a page each."""
