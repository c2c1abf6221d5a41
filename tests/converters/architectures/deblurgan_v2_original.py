"""DeblurGAN-v2 in PyTorch: the modules, names and wiring of the original, to compare with.

Written after `models/fpn_mobilenet.py`, `models/fpn_inception.py` and `models/mobilenet_v2.py` of
the original, and `inceptionresnetv2.py` of Cadene/pretrained-models.pytorch. For tests that have
made sure that PyTorch is there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tests.converters.architectures.deblurgan_v2_layouts import SETTING


def predict(network: nn.Module, frame: Any) -> Any:
    """As the original's `predict.py`: in training mode, zeros to the next multiple of 32."""
    height, width = frame.shape[2:]
    below, right = ((side // 32 + 1) * 32 - side for side in (height, width))
    with torch.no_grad():
        made = network.train()(functional.pad(frame, (0, right, 0, below)))
    return made[:, :, :height, :width]


def mobilenet(pyramid: int = 128, width: int = 64) -> nn.Module:
    return _Network(_MobileNetPyramid(pyramid), pyramid, width)


def inception(
    pyramid: int = 256, width: int = 128, blocks: tuple[int, int, int] = (10, 20, 9)
) -> nn.Module:
    return _Network(_InceptionPyramid(pyramid, blocks), pyramid, width)


def _norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=False, track_running_stats=True)


def _normed(inside: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, out, 3, padding=1), _norm(out), nn.ReLU())


def _up(x: Any, factor: int) -> Any:
    return functional.interpolate(x, scale_factor=factor, mode="nearest")


class _Head(nn.Module):
    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.block0 = nn.Conv2d(inside, out, 3, padding=1, bias=False)
        self.block1 = nn.Conv2d(out, out, 3, padding=1, bias=False)

    def forward(self, x: Any) -> Any:
        return functional.relu(self.block1(functional.relu(self.block0(x))))


class _Network(nn.Module):
    def __init__(self, fpn: nn.Module, pyramid: int, width: int) -> None:
        super().__init__()
        self.fpn = fpn
        self.head1, self.head2, self.head3, self.head4 = (_Head(pyramid, width) for _ in range(4))
        self.smooth = _normed(4 * width, width)
        self.smooth2 = _normed(width, width // 2)
        self.final = nn.Conv2d(width // 2, 3, 3, padding=1)

    def forward(self, x: Any) -> Any:
        map0, map1, map2, map3, map4 = self.fpn(x)
        map4, map3 = _up(self.head4(map4), 8), _up(self.head3(map3), 4)
        map2, map1 = _up(self.head2(map2), 2), _up(self.head1(map1), 1)
        smoothed = _up(self.smooth(torch.cat([map4, map3, map2, map1], 1)), 2)
        smoothed = _up(self.smooth2(smoothed + map0), 2)
        return torch.clamp(torch.tanh(self.final(smoothed)) + x, -1, 1)


class _Pyramid(nn.Module):
    def _top_down(self, filters: int, channels: tuple[int, ...]) -> None:
        self.td1, self.td2, self.td3 = (_normed(filters, filters) for _ in range(3))
        for index in (4, 3, 2, 1, 0):
            out = filters if index else filters // 2
            setattr(self, f"lateral{index}", nn.Conv2d(channels[index], out, 1, bias=False))


class _MobileNetPyramid(_Pyramid):
    def __init__(self, filters: int) -> None:
        super().__init__()
        features = [_conv_bn(3, 32, 3, 2)]
        inside = 32
        for (expansion, channels, count), stride in zip(
            SETTING, (1, 2, 2, 2, 1, 2, 1), strict=True
        ):
            for index in range(count):
                features.append(_Inverted(inside, channels, 1 if index else stride, expansion))
                inside = channels
        features.append(_conv_bn(inside, 1280, 1, 1))
        self.features = nn.Sequential(*features)
        self.enc0 = nn.Sequential(*self.features[0:2])
        self.enc1 = nn.Sequential(*self.features[2:4])
        self.enc2 = nn.Sequential(*self.features[4:7])
        self.enc3 = nn.Sequential(*self.features[7:11])
        self.enc4 = nn.Sequential(*self.features[11:16])
        self._top_down(filters, (16, 24, 32, 64, 160))

    def forward(self, x: Any) -> Any:
        enc0 = self.enc0(x)
        enc1 = self.enc1(enc0)
        enc2 = self.enc2(enc1)
        enc3 = self.enc3(enc2)
        map4 = self.lateral4(self.enc4(enc3))
        map3 = self.td1(self.lateral3(enc3) + _up(map4, 2))
        map2 = self.td2(self.lateral2(enc2) + _up(map3, 2))
        map1 = self.td3(self.lateral1(enc1) + _up(map2, 2))
        return self.lateral0(enc0), map1, map2, map3, map4


def _conv_bn(inside: int, out: int, side: int, stride: int) -> nn.Module:
    conv = nn.Conv2d(inside, out, side, stride, side // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU6())


class _Inverted(nn.Module):
    def __init__(self, inside: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        self.adds = stride == 1 and inside == out
        hidden = inside * expansion
        wider = [nn.Conv2d(inside, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        self.conv = nn.Sequential(
            *(wider if expansion > 1 else []),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden), nn.ReLU6(),
            nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return x + self.conv(x) if self.adds else self.conv(x)


class _Basic(nn.Module):
    def __init__(self, inside: int, out: int, side: Any, stride: int = 1, padding: Any = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, out, side, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Any) -> Any:
        return functional.relu(self.bn(self.conv(x)))


class _Block(nn.Module):
    """Block35, Block17 and Block8."""

    def __init__(self, channels: int, scale: float, *branches: nn.Module, inside: int) -> None:
        super().__init__()
        for index, branch in enumerate(branches):
            setattr(self, f"branch{index}", branch)
        self.count, self.scale = len(branches), scale
        self.conv2d = nn.Conv2d(inside, channels, 1)

    def forward(self, x: Any) -> Any:
        parts = [getattr(self, f"branch{index}")(x) for index in range(self.count)]
        return functional.relu(self.conv2d(torch.cat(parts, 1)) * self.scale + x)


class _Mixed(nn.Module):
    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for index, branch in enumerate(branches):
            setattr(self, f"branch{index}", branch)
        self.count = len(branches)

    def forward(self, x: Any) -> Any:
        return torch.cat([getattr(self, f"branch{index}")(x) for index in range(self.count)], 1)


def _block35() -> nn.Module:
    return _Block(
        320, 0.17, _Basic(320, 32, 1),
        nn.Sequential(_Basic(320, 32, 1), _Basic(32, 32, 3, padding=1)),
        nn.Sequential(
            _Basic(320, 32, 1), _Basic(32, 48, 3, padding=1), _Basic(48, 64, 3, padding=1)
        ),
        inside=128,
    )  # fmt: skip


def _block17() -> nn.Module:
    return _Block(
        1088, 0.10, _Basic(1088, 192, 1),
        nn.Sequential(
            _Basic(1088, 128, 1), _Basic(128, 160, (1, 7), padding=(0, 3)),
            _Basic(160, 192, (7, 1), padding=(3, 0)),
        ),
        inside=384,
    )  # fmt: skip


def _block8() -> nn.Module:
    return _Block(
        2080, 0.20, _Basic(2080, 192, 1),
        nn.Sequential(
            _Basic(2080, 192, 1), _Basic(192, 224, (1, 3), padding=(0, 1)),
            _Basic(224, 256, (3, 1), padding=(1, 0)),
        ),
        inside=448,
    )  # fmt: skip


class _InceptionResNetV2(nn.Module):
    def __init__(self, blocks: tuple[int, int, int]) -> None:
        super().__init__()
        self.conv2d_1a = _Basic(3, 32, 3, 2)
        self.conv2d_2a = _Basic(32, 32, 3)
        self.conv2d_2b = _Basic(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = _Basic(64, 80, 1)
        self.conv2d_4a = _Basic(80, 192, 3)
        self.maxpool_5a = nn.MaxPool2d(3, 2)
        self.mixed_5b = _Mixed(
            _Basic(192, 96, 1),
            nn.Sequential(_Basic(192, 48, 1), _Basic(48, 64, 5, padding=2)),
            nn.Sequential(
                _Basic(192, 64, 1), _Basic(64, 96, 3, padding=1), _Basic(96, 96, 3, padding=1)
            ),
            nn.Sequential(
                nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), _Basic(192, 64, 1)
            ),
        )
        self.repeat = nn.Sequential(*(_block35() for _ in range(blocks[0])))
        self.mixed_6a = _Mixed(
            _Basic(320, 384, 3, 2),
            nn.Sequential(
                _Basic(320, 256, 1), _Basic(256, 256, 3, padding=1), _Basic(256, 384, 3, 2)
            ),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_1 = nn.Sequential(*(_block17() for _ in range(blocks[1])))
        self.mixed_7a = _Mixed(
            nn.Sequential(_Basic(1088, 256, 1), _Basic(256, 384, 3, 2)),
            nn.Sequential(_Basic(1088, 256, 1), _Basic(256, 288, 3, 2)),
            nn.Sequential(
                _Basic(1088, 256, 1), _Basic(256, 288, 3, padding=1), _Basic(288, 320, 3, 2)
            ),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*(_block8() for _ in range(blocks[2])))
        self.block8 = _block8()
        self.conv2d_7b = _Basic(2080, 1536, 1)
        self.last_linear = nn.Linear(1536, 1000)


class _InceptionPyramid(_Pyramid):
    def __init__(self, filters: int, blocks: tuple[int, int, int]) -> None:
        super().__init__()
        net = self.inception = _InceptionResNetV2(blocks)
        self.enc0 = net.conv2d_1a
        self.enc1 = nn.Sequential(net.conv2d_2a, net.conv2d_2b, net.maxpool_3a)
        self.enc2 = nn.Sequential(net.conv2d_3b, net.conv2d_4a, net.maxpool_5a)
        self.enc3 = nn.Sequential(net.mixed_5b, net.repeat, net.mixed_6a)
        self.enc4 = nn.Sequential(net.repeat_1, net.mixed_7a)
        self.pad = nn.ReflectionPad2d(1)
        self._top_down(filters, (32, 64, 192, 1088, 2080))

    def forward(self, x: Any) -> Any:
        enc0 = self.enc0(x)
        enc1 = self.enc1(enc0)
        enc2 = self.enc2(enc1)
        enc3 = self.enc3(enc2)
        enc4 = self.enc4(enc3)
        map4 = self.pad(self.lateral4(enc4))
        lateral3, lateral1 = self.pad(self.lateral3(enc3)), self.pad(self.lateral1(enc1))
        lateral2 = functional.pad(self.lateral2(enc2), (1, 2, 1, 2), "reflect")
        map3 = self.td1(lateral3 + _up(map4, 2))
        map2 = self.td2(lateral2 + _up(map3, 2))
        map1 = self.td3(lateral1 + _up(map2, 2))
        return functional.pad(self.lateral0(enc0), (0, 1, 0, 1), "reflect"), map1, map2, map3, map4
