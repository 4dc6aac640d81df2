"""What people read about a plan: a page, a calendar, and the words that the command line and the page share."""
