"""`/jobs`: uploads of many pairs over HTTP."""
