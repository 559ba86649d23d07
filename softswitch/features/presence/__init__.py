"""What others may see of an account: lamps that follow its calls, presence, message-waiting counts."""
