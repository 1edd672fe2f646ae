"""segment_anything, imported. Its package asks for torchvision, of which nothing here is used: stand-ins are there while it is
imported and gone afterwards, for transformers asks whether there is a torchvision, too."""
import importlib
import importlib.util
import sys
import types

NAMES = ('torchvision', 'torchvision.ops', 'torchvision.ops.boxes', 'torchvision.transforms', 'torchvision.transforms.functional')

stand_ins = NAMES if importlib.util.find_spec('torchvision') is None else ()
for name in stand_ins:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__getattr__ = lambda attribute: None
importlib.import_module('segment_anything')
for name in stand_ins:
    del sys.modules[name]
