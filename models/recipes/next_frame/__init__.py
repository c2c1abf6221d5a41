"""Next-frame prediction with feedback: a network that is fed with its own result.

`next-fluid` learns a stirred liquid and `next-growth` a pattern that grows, both of which
`simulate` makes; `footage` learns from a clip.
Source of the idea: Ngx by Mario Klingemann and Keijiro Takahashi.
"""
