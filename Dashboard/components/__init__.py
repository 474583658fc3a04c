"""What the pages are drawn with: functions from data to components, free of any state."""
