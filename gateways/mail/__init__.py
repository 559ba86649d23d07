"""Mail servers that take e-mails."""
