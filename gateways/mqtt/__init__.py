"""What happens is told to an MQTT broker: dashboards, agents' screens and whoever automates hear it there."""
