"""省级配置包: what a province brings in files: parameters, text forms, names of places, categories, branding.

``zhejiang`` lies beside this file. A pack is judged whole before anything of it is written (docs/packs.md).
"""
