"""Tests of the DingTalk adapter against the simulator."""
