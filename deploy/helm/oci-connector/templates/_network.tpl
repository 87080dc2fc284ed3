{{/* Rules that several policies have. */}}

{{- define "oci.egressTo" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "oci.egressDns" -}}
- ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}

{{- define "oci.egressBroker" -}}
- ports: [{port: 7443, protocol: TCP}]
  to:
    - podSelector:
        matchLabels:
          {{- include "oci.selector" (dict "root" . "component" "broker") | nindent 10 }}
{{- end }}

{{- define "oci.ingressMonitoring" -}}
{{- with .root.Values.networkPolicy.monitoring }}
- ports: [{port: {{ $.port }}, protocol: TCP}]
  from:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
