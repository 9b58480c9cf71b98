"""What is in a render window, as a PNG file or an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkIOImage import vtkPNGReader, vtkPNGWriter
from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkWindowToImageFilter

from twinviewer.app.atomic import write_atomically
from twinviewer.scene.meshes import as_numpy


def _grab(window: vtkRenderWindow) -> vtkImageData:
    window.Render()
    grabber = vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ShouldRerenderOff()  # it would ask the interactor, which draws nothing before a window is shown
    grabber.ReadFrontBufferOn()  # what was shown: samples are resolved in it
    grabber.SetInputBufferTypeToRGB()
    grabber.Update()
    image: vtkImageData = grabber.GetOutput()
    return image


def pixels_of(window: vtkRenderWindow) -> NDArray[np.uint8]:
    """Render and return the picture (rows, columns, 3), top row first."""
    return _pixels(_grab(window))


def _pixels(image: vtkImageData) -> NDArray[np.uint8]:
    columns, rows, _ = image.GetDimensions()
    flat = as_numpy(image.GetPointData().GetScalars())
    pixels: NDArray[np.uint8] = flat.reshape(rows, columns, -1)[::-1].copy()
    return pixels


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a PNG that :func:`write_picture` wrote (rows, columns, 3), top row first; foreign ones are for workers."""
    reader = vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    return _pixels(reader.GetOutput())


def write_picture(window: vtkRenderWindow, path: Path) -> None:
    """Render and write a PNG.

    Raises:
        WriteError: The file cannot be written; what was there before is intact.
    """
    writer = vtkPNGWriter()
    writer.SetInputData(_grab(window))
    writer.WriteToMemoryOn()
    writer.Write()
    write_atomically(path, as_numpy(writer.GetResult()).tobytes())
