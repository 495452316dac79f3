"""HTTP/1.1 as upstreams speak it: as little work an answer, and a piece of a stream, as the protocol allows."""
