# Makes the warehouse ready.
. (Join-Path $PSScriptRoot 'bootstrap.ps1')
Invoke-Bootstrap setup $args
exit $LASTEXITCODE
