"""Speed as ratios: each row measures us and a peer, or a limit, in the same run on the same machine (`make bench`)."""
