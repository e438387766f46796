"""The settings of errbot: no chat, the plugin beside this file, data in the folder of FABU_ERRBOT."""

import logging
import os
from pathlib import Path

BACKEND = "Text"
BOT_DATA_DIR = os.environ["FABU_ERRBOT"]
BOT_EXTRA_PLUGIN_DIR = str(Path(__file__).parent)
BOT_LOG_FILE = None
BOT_LOG_LEVEL = logging.ERROR
BOT_ADMINS = ("@admin",)
BOT_IDENTITY = {"username": "@errbot"}
CORE_PLUGINS = ("Webserver",)
