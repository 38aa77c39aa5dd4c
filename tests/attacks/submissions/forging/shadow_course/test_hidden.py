def test_blend_is_the_references():
    pass
