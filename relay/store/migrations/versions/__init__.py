"""One file per revision, named by its number; never changed once released."""
