"""Who may share content, asked and told by the Binary Floor Control Protocol (RFC 8855)."""
