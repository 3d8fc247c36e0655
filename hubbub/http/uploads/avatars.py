"""/users/profile/avatar: the avatar of the caller."""

from hubbub.http.routes import Routes
from hubbub.http.uploads.single_files import Description, SingleFile, register
from hubbub.services.uploads import avatars

routes = Routes()

register(
    routes,
    SingleFile(
        "/api/v1/users/profile/avatar",
        "profiles",
        "avatar",
        avatars.set_avatar,
        avatars.remove_avatar,
        Description(
            "avatars.set",
            "Upload an image and make it the caller's avatar",
            "Replaces the avatar before. `avatar_url` of the user becomes the URL of the upload, which is "
            "public as long as it is the avatar.",
        ),
        Description(
            "avatars.remove",
            "Remove the caller's avatar",
            "The file is no longer public. Without an avatar nothing happens.",
        ),
    ),
)
