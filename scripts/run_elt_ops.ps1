# Runs one stage of the pipeline, or all of them: run_elt_ops.ps1 -c full --demo; -h tells more.
. (Join-Path $PSScriptRoot 'bootstrap.ps1')
Invoke-Bootstrap elt $args
exit $LASTEXITCODE
