{{- define "gateway.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- define "gateway.labels" -}}
app.kubernetes.io/name: wethod-graphql
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
