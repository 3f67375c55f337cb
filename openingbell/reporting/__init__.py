"""Reports: the figures of a day or a week as data, and the same figures as Markdown."""
