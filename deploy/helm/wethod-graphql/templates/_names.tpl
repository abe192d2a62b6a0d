{{- define "gateway.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- define "gateway.labels" -}}
app.kubernetes.io/name: wethod-graphql
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- /* A setting as text. Helm's numbers are floats, and `quote` would write 1048576 as 1.048576e+06. */ -}}
{{- define "gateway.text" -}}{{ if kindIs "string" . }}{{ . | quote }}{{ else }}{{ . | toJson | quote }}{{ end }}{{- end -}}
