"""What `selfref doctor` looks at, one module per part; every check only reads, and says how to mend what it finds."""
