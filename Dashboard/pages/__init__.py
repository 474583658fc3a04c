"""The pages; Dash finds them here and the navigation lists them."""
