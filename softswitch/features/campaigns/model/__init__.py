"""The rules of calling lists: values, and a machine without clock, sockets or chance."""
