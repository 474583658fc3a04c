"""Models side by side: tables, figures, and one page. Made of saved evaluations alone."""
