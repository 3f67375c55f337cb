"""Operations: homes, the worker's lock, jobs and their log, logging, and building a warehouse anew."""
