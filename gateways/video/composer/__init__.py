"""The composer's process: decodes members, draws them into pictures, encodes each picture once for all who see it.

`canvas`, `lettering`, `painting` and `pace` draw and reckon without I/O; `sources` and `encoding` are the codecs;
`process` is the loop; `keeper` keeps one alive.
"""
