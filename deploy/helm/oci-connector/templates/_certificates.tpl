{{/* The pod of the Job that makes certificates, and of the CronJob that renews them. */}}
{{- define "oci.certificatesPod" -}}
{{- $c := dict "root" . "component" "certificates" }}
{{- $values := .Values.certificates }}
metadata:
  labels:
    {{- include "oci.labels" $c | nindent 4 }}
    {{- with $values.job.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (dict) $values.job.podAnnotations .Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: OnFailure
  serviceAccountName: {{ include "oci.componentName" $c }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "oci.podSecurity" $values.job | nindent 2 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.job.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.job.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.job.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.job.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: connectorctl
      image: {{ include "oci.image" (dict "root" . "image" $values.job.image) }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - pki
        - cluster
        - --prefix={{ include "oci.fullname" . }}
        {{- if eq $values.mode "certManager" }}
        - --root-key-only
        {{- else }}
        - --days={{ $values.days }}
        - --renew-before-days={{ $values.renewBeforeDays }}
        {{- range include "oci.serviceNames" (dict "root" . "component" "broker") | trim | splitList "\n" }}
        - --broker-dns={{ . }}
        {{- end }}
        {{- if include "oci.makesListener" . }}
        {{- range include "oci.serviceNames" (dict "root" . "component" "dataplane") | trim | splitList "\n" }}
        - --listener-dns={{ . }}
        {{- end }}
        {{- range .Values.dataplane.tls.dnsNames }}
        - --listener-dns={{ . }}
        {{- end }}
        {{- end }}
        {{- end }}
      {{- include "oci.containerSecurity" $values.job | nindent 6 }}
      resources:
        {{- toYaml $values.job.resources | nindent 8 }}
      volumeMounts:
        {{- include "oci.apiTokenMount" . | nindent 8 }}
  volumes:
    {{- include "oci.apiTokenVolume" . | nindent 4 }}
{{- end }}
