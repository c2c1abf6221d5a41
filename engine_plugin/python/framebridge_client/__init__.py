"""Send an engine's frames through a Framebridge sidecar and get them back, without waiting.

>>> from framebridge_client import connect
>>> with connect() as bridge:
...     stream = bridge.open("upscale-x2", width=320, height=180)
...     frame_id = stream.submit(rgba)
...     result = stream.poll()
"""

from framebridge_client.bridge import Bridge, connect
from framebridge_client.errors import BridgeError, FrameError, NotRunning, Timeout
from framebridge_client.result import Counters, Result
from framebridge_client.stream import Stream

__version__ = "0.1.0"

__all__ = [
    "Bridge",
    "BridgeError",
    "Counters",
    "FrameError",
    "NotRunning",
    "Result",
    "Stream",
    "Timeout",
    "connect",
]
