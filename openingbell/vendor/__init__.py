"""The vendor in a box: an HTTP server that answers as Financial Modeling Prep's `/stable` API does.

It serves either a replay folder or a simulated market, as of the moment its clock shows. It owns the vendor's habits
(field order, spelling, silent caps, forming bars, errors); the pipeline talks to it over HTTP and cannot tell.
"""
