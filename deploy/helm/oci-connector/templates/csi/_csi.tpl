{{- define "oci.csiConfig" -}}
{{- toYaml (mustMergeOverwrite (include "oci.csiOwnConfig" . | fromYaml) (deepCopy .Values.csi.config)) }}
{{- end }}

{{- define "oci.csiOwnConfig" -}}
endpoint: unix:///csi/csi.sock
podsDirectory: {{ .Values.csi.kubeletDirectory }}/pods
driverName: {{ .Values.csi.driverName }}
adminAddress: {{ include "oci.listen" (dict "root" . "port" 9580) | quote }}
kubernetes: {}
{{- with .Values.csi.dataplane }}
{{- if .ca }}
dataplane: {caFile: /etc/oci-connector/config/ca.crt}
{{- else if .tls }}
dataplane: {tls: true}
{{- end }}
{{- end }}
defaults:
  configurationNames: {{ toJson .Values.csi.configurationNames }}
logLevel: {{ .Values.csi.logLevel }}
audience: {{ toJson .Values.broker.identity.audience }}
{{- if .Values.broker.identity.requireConnectorAudience }}
requireConnectorAudience: true
{{- end }}
{{- end }}

{{/* Of the two that speak to the driver's socket, which root alone may open. */}}
{{- define "oci.csiSidecarSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsUser: 0
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}
