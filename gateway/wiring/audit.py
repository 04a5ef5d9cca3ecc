"""An audit of captures: the engine of a configuration, or one without, on the calls that the captures hold."""

from __future__ import annotations
