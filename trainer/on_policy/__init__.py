"""What policies say now, in pairs for the service to judge."""
