"""Reading captures, finding calls in them, judging and reporting."""
