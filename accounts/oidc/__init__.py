"""统一身份认证: signing in with a provincial identity provider (OpenID Connect 1.0, authorization code with PKCE).

The provider's word replaces the password, nothing else: who may enter is who has linked an identity to his account,
and a second factor is asked for here as ever.
"""
