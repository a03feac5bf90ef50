"""Addresses of the pages of the scene search."""

from __future__ import annotations

from django.urls import path, re_path

from anime_search.web import history, player, sharing, views

urlpatterns = [
    path("", views.home, name="home"),
    path("account/searches", history.history, name="account-searches"),
    path("account/searches/delete", history.forget, name="account-searches-delete"),
    path("scene/<str:token>", player.scene, name="scene"),
    path("scene/<str:token>/clip.mp4", player.clip, name="scene-clip"),
    path("scene/<str:token>/from/<int:number>.mp4", player.clip, name="scene-clip-from"),
    path("scene/<str:token>/frames/<int:number>.jpg", player.frame, name="scene-frame"),
    path("s", sharing.share, name="share-result"),
    path("s/<str:token>", sharing.shared, name="shared-result"),
    path("s/<str:token>/picture.jpg", sharing.shared_picture, name="shared-picture"),
    path("shared", sharing.own_results, name="shared-results"),
    path("shared/<str:public_id>", sharing.own_result, name="own-shared-result"),
    path("shared/<str:public_id>/picture.jpg", sharing.own_picture, name="own-shared-picture"),
    path("shared/<str:public_id>/withdraw", sharing.withdraw, name="withdraw-shared-result"),
    re_path(r"^cover/(?P<anilist_id>[0-9]{1,10})/(?P<version>[0-9a-f]{16})\Z", views.cover, name="cover"),
]
