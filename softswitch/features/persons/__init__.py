"""One number: a person is called by it on any devices, extensions and outside numbers, all at once, one after another
or round and round; when and by whom each may be rung; and where the call goes when nobody takes it."""
