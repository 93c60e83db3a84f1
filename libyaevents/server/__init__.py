"""The studio and the API: articles come in from browsers and programs, events, corrections and models go out.

`run.serve` is what `libyaevents serve` calls. `api` is the interface for programs, `studio` what the page of
`static/` talks to; `security` stands before both.
"""
