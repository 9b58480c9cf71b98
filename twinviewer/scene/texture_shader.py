"""How the graphics card finds the colour of a city model's surface: the lines of GLSL, and what they read.

Each triangle has a colour of four bytes.  The two lowest bits of the last one, its opacity, say whether the colour is
all there is (else a texture is before it), and whether light falls on it (else it glows).  Corners of textured
triangles say where in the texture they are, and where that is on which page of an atlas.
"""

from __future__ import annotations

from math import log2

from twinviewer.formats.atlas import BLOCK_PX, MOST_PAGES
from twinviewer.model.city_parts import WrapMode

PLAIN_BIT, LIT_BIT = 1, 2
OPACITY_BITS = 255 & ~(PLAIN_BIT | LIT_BIT)

TEXTURE_PLACES = "texture places"
"""Array of points (p, 3): s, t, and the page times MODES_PER_PAGE plus a number of MODES, or NO_TEXTURE."""
TEXTURE_BOXES = "texture boxes"
"""Array of points (p, 4): column, row, width and height of the texture on its page in texels."""
MODES = (WrapMode.CLAMP, WrapMode.WRAP, WrapMode.MIRROR, WrapMode.NONE, WrapMode.BORDER)
"""What a texture is beyond its edges, by number."""
MODES_PER_PAGE = 8
NO_TEXTURE = -1.0
PAGES = tuple(f"tvPage{number}" for number in range(MOST_PAGES))
"""Names of the pages in the shader."""

_MOST_SHARPENED = 1.5
"""Levels by which a texture is sharper than the longer side of a pixel on it asks for."""
_CLAMP, _WRAP, _MIRROR, _NONE, _BORDER = range(len(MODES))

UNPACK = f"""
  int tvBits = int(opacity / max(opacityUniform, 1e-6) * 255.0 + 0.5);
  opacity = opacityUniform * float(tvBits | {PLAIN_BIT | LIT_BIT}) / 255.0;
"""
"""Before the light: ``opacity`` without its lowest bits, which are in ``tvBits``."""

GLOW = f"""
  if ((tvBits & {LIT_BIT}) == 0) {{ tvLight = max(tvLight, vec3(1.0)); }}
"""
"""When the light is known."""

PHOTO_LIGHT = """
  if (tvPhoto) { tvLight = mix(tvLight, fromAbove + sunLight * max(sun.z, 0.5), 0.5); }
"""
"""When the light is known: photographs have the light and the shade of their hour in them already."""


def find_texel(pages: int) -> str:
    """Return what comes after UNPACK where there are so many pages, at least one.

    ``diffuseColor`` is that of the texture where there is one, ``opacity`` 0 where one sees through.
    """
    looked_up = " else ".join(
        f"if (tvPage == {number}) {{ tvTexel = textureLod({page}, tvOnPage, tvLevel); }}"
        for number, page in enumerate(PAGES[:pages])
    )
    return _FIND_TEXEL.replace("LOOK_UP", looked_up)


_FIND_TEXEL = f"""
  vec2 tvRight = dFdx(tvPlaceInTexture.xy) * tvBox.zw;
  vec2 tvUp = dFdy(tvPlaceInTexture.xy) * tvBox.zw;
  bool tvPhoto = false;
  if ((tvBits & {PLAIN_BIT}) == 0 && tvPlaceInTexture.z > -0.5)
  {{
    int tvCode = int(tvPlaceInTexture.z + 0.5);
    int tvPage = tvCode / {MODES_PER_PAGE};
    int tvMode = tvCode % {MODES_PER_PAGE};
    vec2 tvWanted = tvPlaceInTexture.xy;
    vec2 tvBeyond = tvMode == {_BORDER} ? {BLOCK_PX / 2} / tvBox.zw : vec2(0.0);
    vec2 tvAt = clamp(tvWanted, -tvBeyond, 1.0 + tvBeyond);
    bool tvNothing = tvMode == {_NONE} && distance(tvAt, tvWanted) > 1e-3;
    if (tvMode == {_WRAP}) {{ tvAt = fract(tvWanted); }}
    if (tvMode == {_MIRROR}) {{ tvAt = 1.0 - abs(mod(tvWanted, 2.0) - 1.0); }}
    vec2 tvSize = vec2(textureSize({PAGES[0]}, 0));
    vec2 tvOnPage = (tvBox.xy + vec2(tvAt.x, 1.0 - tvAt.y) * tvBox.zw) / tvSize;
    float tvLong = max(length(tvRight), length(tvUp));
    float tvShort = min(length(tvRight), length(tvUp));
    // Between blur and flicker where a wall is seen from the side; what cards do against both costs processors seconds.
    float tvLevel = max(0.5 * log2(max(tvLong * tvShort, 1e-12)), log2(max(tvLong, 1e-6)) - {_MOST_SHARPENED});
    tvLevel = clamp(tvLevel, 0.0, {log2(BLOCK_PX)}); // more would mix neighbours on the page
    vec4 tvTexel = vec4(0.0);
    LOOK_UP
    float tvMean = tvNothing ? 1.0 : smoothstep({float(BLOCK_PX)}, {4.0 * BLOCK_PX}, tvShort);
    if (!tvNothing && tvTexel.a < 0.5) {{ opacity = 0.0; }}
    tvPhoto = !tvNothing;
    diffuseColor = mix(tvTexel.rgb, diffuseColor, tvMean); // from afar, the mean colour
  }}
"""
