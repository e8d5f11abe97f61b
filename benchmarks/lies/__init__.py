"""Files that lie: mutated videos and hand-made bombs, straight through the decoder child and over HTTP."""
