"""Pictures of the events of many documents: map, timeline and claims, each one self-contained web page.

Documents come in, a right-to-left HTML page goes out: an inline SVG, and beneath it every event in a list,
also those that the picture cannot show; or, for the claims, each incident with who says what of it. Text from
the documents is inert, as on the page of one document.
"""

from libyaevents.pictures.claims import to_claims
from libyaevents.pictures.map import to_map
from libyaevents.pictures.timeline import to_timeline

__all__ = ["to_claims", "to_map", "to_timeline"]
