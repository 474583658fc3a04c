"""The page of the own record: verdicts held against histology."""
