"""stage=evaluate: metrics of a run, of several runs or of folders of meshes."""
