"""``report.html``: one file that shows a result, with and without JavaScript."""
