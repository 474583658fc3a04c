"""The worklist: pictures in, a list of what is kept, a case beside it."""
